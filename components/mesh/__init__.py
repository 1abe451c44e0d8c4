"""One server in the mesh, and the mesh of a cluster: Istio, its gateway, its policies."""

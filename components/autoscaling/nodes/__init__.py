"""Nodes for the replicas: Karpenter or the Cluster Autoscaler."""

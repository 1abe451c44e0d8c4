"""HorizontalPodAutoscalers without KEDA, and the algorithm of the HPA."""

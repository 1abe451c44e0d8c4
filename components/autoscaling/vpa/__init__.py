"""VerticalPodAutoscalers: resource recommendations and their application."""

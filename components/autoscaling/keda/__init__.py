"""KEDA: chart values, ScaledObjects, schedules."""

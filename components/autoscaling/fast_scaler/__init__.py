"""Agents beside KEDA: the fast scaler and pod deletion costs."""

"""Measurements of AlfaVoice and of its peers, on the same recordings and model files."""

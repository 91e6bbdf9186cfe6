"""Texts that a person types or sends are finished as if they had been dictated, and every step shown."""

"""How much hardware so many people need, from measured figures and stated assumptions."""

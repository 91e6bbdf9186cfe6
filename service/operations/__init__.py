"""How the operator sees and steers the service: health, metrics, admission, logs."""

"""Whether this machine can run AlfaVoice: checks, each with what to do."""

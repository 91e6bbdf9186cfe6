"""service."""

from models.silence import silence_libraries

silence_libraries()

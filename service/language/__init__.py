"""What the program says to people, in Russian and in English.

`ru.toml` and `en.toml` hold the same keys. `Language` is picked once, in `main`, and handed to
whatever speaks::

    language = Language(preferred_language(os.environ))
    language.text("transcribe.failed_files", count=3)
"""

from service.language.catalogue import Language, LanguageCode, preferred_language

__all__ = ["Language", "LanguageCode", "preferred_language"]

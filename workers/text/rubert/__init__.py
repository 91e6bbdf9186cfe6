"""A small model that says which mark follows a word and in what case the word is written."""

"""The labels of a punctuation model merged into what the recogniser wrote; the words stay its own."""

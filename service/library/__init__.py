"""What a person keeps: history, notes, snippets, dictionary, preferences; and the operator's news."""

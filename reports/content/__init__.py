"""What a report says, in no format: tables of texts, the lines around them, and the words of verdicts."""

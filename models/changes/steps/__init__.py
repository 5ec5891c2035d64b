"""Steps of a request: its activities, their records, and what they said last."""

"""The durable record of every slow thing; the broker is only its doorbell."""

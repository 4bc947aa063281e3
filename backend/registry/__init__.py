"""Model versions, their evaluations, promotion and rollback."""

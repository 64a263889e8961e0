"""All schedules with few deviations, and drawn ones."""

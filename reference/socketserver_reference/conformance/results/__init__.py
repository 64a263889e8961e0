"""What came of the checks: outcomes, verdicts, known failures, the report."""

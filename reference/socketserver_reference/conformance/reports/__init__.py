"""Results as text, JSON, JUnit XML, Markdown and HTML."""

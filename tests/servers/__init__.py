"""Programs that tests run: servers that are wrong, strict or frail on purpose, and chats in other dialects."""

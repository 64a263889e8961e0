"""The command line: `socketserver-reference serve | check | compare | learn | dialects | spec`."""

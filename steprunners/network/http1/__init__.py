"""How an HTTP/1 answer is read: its head, where its body ends, and the codings that the body is in (RFC 9112, 9110).

Python's http.client and urllib3 cannot do it for a test tool: they lose the headers behind a malformed line, ignore a
length that they do not understand, and return a part of a compressed body as if it were the whole.
"""

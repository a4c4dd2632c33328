"""Every URL, method and WebSocket route, as every kind of client, on own and on foreign objects.

`world` makes two tenants with the same things, `actors` everybody who asks, `rows` the expectation, `walk` asks.
A new URL or method without a row fails `test_coverage`, which says which row to write.
"""

"""The bus: envelopes, addresses and the promises of delivery between actors.

This folder imports nothing of ours, and knows neither Ray nor a web server. Its promises (at most once, bounded,
cancellable, source bound to the peer) are written as tests in `tests/contract/`.
"""

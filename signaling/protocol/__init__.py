"""The lesson protocol: its messages, words and refusals, and the TypeScript made from them.

A leaf: it imports pydantic and nothing of ours.
"""

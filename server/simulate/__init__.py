"""Simulated classrooms: aiortc clients that take a seat over the real protocol.

They join with a room's credential or a join token, send a drawn (or filmed) picture and a voice,
raise hands, come back after every loss, and can check what they receive. Every picture carries
its seat's identity and a frame counter, every voice its own tone (`identity`).
"""

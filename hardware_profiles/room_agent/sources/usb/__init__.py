"""Cameras on this machine's USB (V4L2, Linux).

probe   what a device is and can do, by ioctl
choice  which of its modes is taken, and where a name that stays leads
"""

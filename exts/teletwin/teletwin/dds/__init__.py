"""DDS without a ROS installation: domains that need no multicast, and topics whose bytes are ours.

Eclipse Cyclone DDS does the work; it comes with the extras `[dds]` and `[ros2]` and is imported where it is used.
"""

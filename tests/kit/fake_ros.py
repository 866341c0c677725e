"""rclpy and two messages, as far as one node needs them."""

from __future__ import annotations

from types import SimpleNamespace


class Ros:
    """rclpy with one node and a queue of messages."""

    def __init__(self):
        self.is_up, self.published, self.waiting, self.nodes = False, [], [], 0
        self.enabled = []

    def ok(self):
        return self.is_up

    def init(self):
        self.is_up = True

    def shutdown(self):
        self.is_up = False

    def create_node(self, name):
        self.nodes += 1
        ros = self

        class Node:
            def create_publisher(self, kind, topic, depth):
                return SimpleNamespace(publish=lambda message: ros.published.append((topic, message)))

            def create_subscription(self, kind, topic, callback, depth):
                ros.callback = callback

            def destroy_node(self):
                ros.nodes -= 1

        return Node()

    def spin_once(self, node, *, timeout_sec=None):
        assert timeout_sec == 0.0
        if self.waiting:
            self.callback(self.waiting.pop(0))


def joint_state():
    return SimpleNamespace(header=SimpleNamespace(stamp=SimpleNamespace()), name=[], position=[], velocity=[])

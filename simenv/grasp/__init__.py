"""Grasps of one part by one gripper: sampled on its surface, judged by physics, put into scenes."""

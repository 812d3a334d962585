"""A task as a Gymnasium environment: the agent trains in the domain that the dataset shows.

Importing this registers the environments:

    import gymnasium
    import simenv.envs

    env = gymnasium.make("simenv/TablePick-v0")
"""

from simenv.envs.register import register_all

register_all()

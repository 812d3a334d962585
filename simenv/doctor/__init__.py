"""Can this machine generate datasets, and is a robot what its files say?"""

from simenv.doctor.machine import examine
from simenv.doctor.robot import examine_robot
from simenv.line import Line

__all__ = ["Line", "examine", "examine_robot"]

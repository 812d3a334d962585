"""Can this machine generate datasets, and is a robot what its files say?"""

from simenv.doctor.line import Line
from simenv.doctor.machine import examine
from simenv.doctor.robot import examine_robot

__all__ = ["Line", "examine", "examine_robot"]

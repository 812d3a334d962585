"""Draw the golden pictures anew, for a change that is meant to alter them."""

from simenv.doctor.machine import write_golden

write_golden()

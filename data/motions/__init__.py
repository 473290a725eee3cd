"""What a motion is: functions of time, equations, families, and fits."""

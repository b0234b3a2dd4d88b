"""What carries frames: in process, over sockets; the Ray transport lives in `cluster`, which alone knows Ray."""

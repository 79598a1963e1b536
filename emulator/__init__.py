"""A local Alibaba Cloud: OSS, MNS, IMM, RAM and STS behind one port, over one state, with signatures verified."""

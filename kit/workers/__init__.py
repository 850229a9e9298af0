"""Work that may go wrong in any way runs in child processes that can be killed: `pool` in the parent, `child` there."""

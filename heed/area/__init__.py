"""Size and timing of hardware: gates, flip-flops, memory bits and logic levels per sub-block."""

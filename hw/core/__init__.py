"""The RV32 core."""

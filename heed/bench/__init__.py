"""What is measured on the RTL: networks layer by layer (`network`), the engine alone (`engine`)."""

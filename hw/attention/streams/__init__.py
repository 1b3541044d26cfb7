"""Between TCDM ports and datapath: addresses, queues, tile buffers and the writer."""

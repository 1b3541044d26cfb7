def write_save_files(p):
    pass

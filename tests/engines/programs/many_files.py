import os

files = []
for number in range(300):
    file = open(f"/tmp/file-{number}", "w+")
    file.write(str(number))
    file.flush()
    files.append(file)
directory = os.open("/var/task", os.O_RDONLY)


def check():
    for number, file in enumerate(files):
        file.seek(0)
        if file.read() != str(number):
            return f"file {number} is wrong"
    return "ok" if "bootstrap" in os.listdir(directory) else "the directory was lost"

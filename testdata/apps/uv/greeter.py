import importlib.metadata

from rich.text import Text

print(Text("greetings from").plain, importlib.metadata.version("rich"))

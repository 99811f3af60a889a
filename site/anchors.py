"Anchors of headings."

def jupyter(title: str) -> str:
    "As in Jupyter: `The map` → `The-map`."
    return title.replace(' ', '-')

"""Settings of `make lab`: a notebook that is only opened stays as it is.

Committed notebooks do not say which Python runs them. JupyterLab notes that as soon as a kernel has started,
shows the notebook as modified and asks to save it. So each notebook is handed out with what its kernel will
say."""
from ipykernel.ipkernel import IPythonKernel
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

SPEC = KernelSpecManager().get_kernel_spec('python3')
METADATA = dict(kernelspec=dict(name='python3', display_name=SPEC.display_name, language=SPEC.language),
                language_info=IPythonKernel.language_info)

class Contents(AsyncLargeFileManager):
    "Files, with the kernel's description in each notebook that has none."
    async def get(self, path, content=True, *args, **how):
        model = await super().get(path, content, *args, **how)
        if content and model['type'] == 'notebook': model['content']['metadata'].update(METADATA)
        return model

c = get_config()        # noqa: F821 (Jupyter defines it)
c.ServerApp.contents_manager_class = Contents

/* An extension that holds objects: in a variable, and with the bug that `native-refs` is for, references that nobody gives back. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *forget(PyObject *self, PyObject *arguments)
{
    PyObject *object;
    Py_ssize_t times;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "On", &object, &times))
        return NULL;
    for (Py_ssize_t time = 0; time < times; time++)
        Py_INCREF(object);
    Py_RETURN_NONE;
}

static PyObject *variable;

static PyObject *keep(PyObject *self, PyObject *object)
{
    (void)self;
    Py_INCREF(object);
    Py_XSETREF(variable, object);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"keep", keep, METH_O, "Keeps an object in a variable."},
    {"forget", forget, METH_VARARGS, "Takes so many references to an object and forgets them."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "leaking", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_leaking(void);

PyMODINIT_FUNC PyInit_leaking(void)
{
    return PyModule_Create(&module);
}

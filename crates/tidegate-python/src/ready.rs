//! An awaitable whose answer is already there: awaiting it never suspends.
//!
//! A class of `CPython`'s own making rather than `PyO3`'s, because `await` asks by `am_send`,
//! for which `PyO3` has no method; without it the answer would travel as an exception.

#![allow(unsafe_code, reason = "the class is CPython's; every use says why it is sound")]

use std::{
    ffi::{c_int, c_uint, c_void},
    mem,
};

use pyo3::{ffi, prelude::*, sync::PyOnceLock, types::PyType};

/// An instance, as `CPython` sees it.
#[repr(C)]
struct Object {
    head: ffi::PyObject,
    /// A strong reference; never null once `ready` has returned.
    answer: *mut ffi::PyObject,
}

/// The type of `am_send`, which the bindings lack.
type SendFunction = unsafe extern "C" fn(
    *mut ffi::PyObject,
    *mut ffi::PyObject,
    *mut *mut ffi::PyObject,
) -> ffi::PySendResult;

/// An awaitable for `answer`, which may be awaited any number of times.
pub(crate) fn ready(answer: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = answer.py();
    let class = CLASS.get_or_try_init(py, || new_class(py))?.bind(py);
    // SAFETY: The class was made below for instances of the size of `Object`, without items,
    // and allocation by the general function is what its `dealloc` undoes. What comes back
    // is null with an exception set, or a new reference to zeroed memory behind its head.
    unsafe {
        let object = ffi::PyType_GenericAlloc(class.as_type_ptr(), 0);
        let object = Bound::from_owned_ptr_or_err(py, object)?;
        (*object.as_ptr().cast::<Object>()).answer = answer.into_ptr();
        Ok(object)
    }
}

/// An awaitable for a bool, of which there are only two.
pub(crate) fn ready_bool(py: Python<'_>, answer: bool) -> PyResult<Bound<'_, PyAny>> {
    static BOTH: [PyOnceLock<Py<PyAny>>; 2] = [PyOnceLock::new(), PyOnceLock::new()];
    let make = || {
        let answer = pyo3::types::PyBool::new(py, answer).to_owned();
        ready(answer.into_any()).map(Bound::unbind)
    };
    Ok(BOTH[usize::from(answer)].get_or_try_init(py, make)?.bind(py).clone())
}

fn new_class(py: Python<'_>) -> PyResult<Py<PyType>> {
    let slot = |slot: c_int, function: *mut c_void| ffi::PyType_Slot { slot, pfunc: function };
    let mut slots = [
        slot(ffi::Py_tp_dealloc, dealloc as ffi::destructor as *mut c_void),
        slot(ffi::Py_am_await, itself as ffi::unaryfunc as *mut c_void),
        slot(ffi::Py_am_send, send as SendFunction as *mut c_void),
        slot(ffi::Py_tp_iter, itself as ffi::getiterfunc as *mut c_void),
        slot(ffi::Py_tp_iternext, next as ffi::iternextfunc as *mut c_void),
        slot(0, std::ptr::null_mut()),
    ];
    let flags = ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION;
    let mut spec = ffi::PyType_Spec {
        name: c"tidegate._native.Ready".as_ptr(),
        basicsize: c_int::try_from(mem::size_of::<Object>())?,
        itemsize: 0,
        flags: c_uint::try_from(flags)?,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: The slots end with a zero, each holds a function of the type that its number
    // asks for, and `CPython` copies what it keeps of them; the name lives for ever.
    let class = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&raw mut spec))? };
    Ok(class.cast_into::<PyType>()?.unbind())
}

/// `__await__` and `__iter__`.
unsafe extern "C" fn itself(ready: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: `CPython` passes a live instance, and takes a new reference to it.
    unsafe { ffi::Py_NewRef(ready) }
}

/// What `await` calls where `CPython` knows `am_send`: the answer, without an exception.
unsafe extern "C" fn send(
    ready: *mut ffi::PyObject,
    _value: *mut ffi::PyObject,
    result: *mut *mut ffi::PyObject,
) -> ffi::PySendResult {
    // SAFETY: `CPython` passes a live instance and a place for a new reference.
    unsafe { *result = ffi::Py_NewRef((*ready.cast::<Object>()).answer) };
    ffi::PySendResult::PYGEN_RETURN
}

/// `__next__`: how a generator returns, the value of the `await` expression.
///
/// The answer is never a tuple or an exception, which `CPython` would take for the arguments
/// of `StopIteration` or for the exception itself.
unsafe extern "C" fn next(ready: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: `CPython` passes a live instance; null means that an exception is set.
    unsafe { ffi::PyErr_SetObject(ffi::PyExc_StopIteration, (*ready.cast::<Object>()).answer) };
    std::ptr::null_mut()
}

unsafe extern "C" fn dealloc(ready: *mut ffi::PyObject) {
    // SAFETY: `CPython` passes an instance that nobody refers to any more. It was allocated by
    // `PyType_GenericAlloc` for a class without garbage collection, so `PyObject_Free` is its
    // end; an instance holds one reference to its heap class. Its answer may be null only if
    // it was never given one.
    unsafe {
        let class = ffi::Py_TYPE(ready);
        ffi::Py_XDECREF((*ready.cast::<Object>()).answer);
        ffi::PyObject_Free(ready.cast());
        ffi::Py_DECREF(class.cast());
    }
}

//! Methods called with the arguments as they lie on the interpreter's stack.
//!
//! Each stands in front of a method that `PyO3` made. It takes the calls that are plain, one
//! `str` and perhaps `cost=` with an `int`, and leaves every other to the method behind it,
//! which knows all messages. So nothing is decided here, and nothing can differ.
//!
//! `PyO3` reads arguments by a general extractor, which costs as much as the rest of a call.
//! Uses the stable ABI only, and knows neither limits nor stores.

#![allow(unsafe_code, reason = "the arguments are CPython's; every use says why it is sound")]

use std::{
    ffi::{CString, c_char},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
};

use pyo3::{
    Borrowed,
    exceptions::{PyRuntimeError, PyTypeError},
    ffi, intern,
    panic::PanicException,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyString, PyTuple, PyType, iterator::PySendResult},
};

use crate::limiter::PyLimiter;

/// A call whose arguments are of the right types. Their values may still be wrong.
pub(crate) struct Plain<'a, 'py> {
    pub(crate) limiter: Borrowed<'a, 'py, PyLimiter>,
    pub(crate) key: Borrowed<'a, 'py, PyString>,
    /// The key in UTF-8.
    pub(crate) text: &'a [u8],
    pub(crate) cost: u32,
}

/// What became of a plain call. Small, because what is copied costs as much as a check.
pub(crate) enum Quick<T> {
    Done(T),
    Failed(Box<PyErr>),
    /// Nothing was done: the call is for the method behind.
    Behind,
}

impl<T> Quick<T> {
    #[cold]
    pub(crate) fn failed(error: PyErr) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl<T> From<PyResult<T>> for Quick<T> {
    fn from(result: PyResult<T>) -> Self {
        result.map_or_else(Self::failed, Self::Done)
    }
}

/// What a method does with a plain call.
type Body = for<'a, 'py> fn(&Plain<'a, 'py>) -> Quick<Bound<'py, PyAny>>;

/// The methods that `PyO3` made, by position in the list in `quicken`.
static BEHIND: [PyOnceLock<Py<PyAny>>; 4] = [const { PyOnceLock::new() }; 4];

/// Puts quicker methods in front of four of `Limiter`, on a `subclass` of it:
/// the interpreter finds out sooner that an instance of just that class is meant. For the
/// package itself, which calls it once, when it is imported.
// Not done by the module's initialisation: a module with one has no complete stub.
#[pyfunction]
#[pyo3(name = "_quicken", signature = (subclass: "type[Limiter]"))]
pub(crate) fn quicken(subclass: &Bound<'_, PyType>) -> PyResult<()> {
    let py = subclass.py();
    let fronts: [(&str, ffi::PyCFunctionFastWithKeywords); 4] = [
        ("allow", front::<0>),
        ("check", front::<1>),
        ("aallow", front::<2>),
        ("acheck", front::<3>),
    ];
    if !subclass.is_subclass_of::<PyLimiter>()? {
        return Err(PyTypeError::new_err("_quicken takes a subclass of Limiter"));
    }
    let original = py.get_type::<PyLimiter>();
    for ((name, function), behind) in fronts.into_iter().zip(&BEHIND) {
        let method = original.getattr(name)?;
        subclass.setattr(name, descriptor(subclass, name, function, &method)?)?;
        behind.get_or_init(py, || method.unbind());
    }
    Ok(())
}

const BODIES: [Body; 4] = [
    PyLimiter::quick_allow,
    PyLimiter::quick_check,
    PyLimiter::quick_aallow,
    PyLimiter::quick_acheck,
];

fn descriptor<'py>(
    class: &Bound<'py, PyType>,
    name: &str,
    function: ffi::PyCFunctionFastWithKeywords,
    method: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let signature: String = method.getattr(intern!(py, "__text_signature__"))?.extract()?;
    let text: String = method.getattr(intern!(py, "__doc__"))?.extract()?;
    let doc = CString::new(format!("{name}{signature}\n--\n\n{text}"))?;
    // Given away for good: the class keeps pointers to them, and is never freed.
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: leak(CString::new(name)?),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: leak(doc),
    }));
    // SAFETY: The definition and its texts live for ever, the function has the type that the
    // flags name, and the class is alive. Null comes with an exception.
    unsafe {
        let descriptor = ffi::PyDescr_NewMethod(class.as_type_ptr(), definition);
        Bound::from_owned_ptr_or_err(py, descriptor)
    }
}

fn leak(text: CString) -> *const c_char {
    text.into_raw()
}

/// The method at position `N`, as `CPython` calls it.
unsafe extern "C" fn front<const N: usize>(
    limiter: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let call = || {
        // SAFETY: `CPython` calls with the interpreter attached. The descriptor has checked
        // that `limiter` is an instance of the class it was made for, or of a subclass.
        // `arguments` holds `count` live objects, and one more for each of `names`, which is
        // null or a tuple of str. All of them outlive the call.
        unsafe {
            let py = Python::assume_attached();
            if let Some(plain) = plain(py, limiter, arguments, count, names) {
                match BODIES[N](&plain) {
                    Quick::Done(answer) => return answer.into_ptr(),
                    Quick::Failed(error) => return raise(*error),
                    Quick::Behind => {}
                }
            }
            match long_way(N, limiter, arguments, count, names) {
                Ok(answer) => answer.into_ptr(),
                Err(error) => raise(error),
            }
        }
    };
    // An unwinding panic must not reach C.
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| raise(PanicException::new_err("tidegate panicked")))
}

/// Sets the exception; the null that tells `CPython` so.
#[cold]
fn raise(error: PyErr) -> *mut ffi::PyObject {
    // Attached anew, so that PyO3 knows it: what the error holds is let go here.
    Python::attach(|py| error.restore(py));
    ptr::null_mut()
}

/// The call, if it is plain.
///
/// # Safety
///
/// As `CPython` calls a method of `PyLimiter`.
#[expect(clippy::inline_always, reason = "its result would be copied between two frames")]
#[inline(always)]
unsafe fn plain<'a>(
    py: Python<'_>,
    limiter: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> Option<Plain<'a, '_>> {
    if count != 1 {
        return None;
    }
    // SAFETY: As the caller promises; there is one argument, and one more if there are names.
    unsafe {
        let key = *arguments;
        if ffi::PyUnicode_CheckExact(key) == 0 {
            return None;
        }
        let cost = if names.is_null() { 1 } else { cost(py, names, *arguments.add(1))? };
        let mut length: ffi::Py_ssize_t = 0;
        let text = ffi::PyUnicode_AsUTF8AndSize(key, &raw mut length);
        if text.is_null() {
            // Surrogates: the method behind knows what to do about them.
            ffi::PyErr_Clear();
            return None;
        }
        // The text is kept by the key, which never changes.
        let text = slice::from_raw_parts(text.cast::<u8>(), usize::try_from(length).ok()?);
        let limiter = Borrowed::from_ptr(py, limiter).cast_unchecked();
        let key = Borrowed::from_ptr(py, key).cast_unchecked();
        Some(Plain { limiter, key, text, cost })
    }
}

/// The value of the only keyword, if that is `cost` and an exact `int` in range.
///
/// # Safety
///
/// `names` is a tuple with at least one item, and `value` the argument of the first of them.
unsafe fn cost(
    py: Python<'_>,
    names: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
) -> Option<u32> {
    // SAFETY: As the caller promises; the item is borrowed from the tuple.
    unsafe {
        let only = ffi::PyTuple_Size(names) == 1;
        // Names in source code are interned; one that is not is read by the method behind.
        if !only || ffi::PyTuple_GetItem(names, 0) != intern!(py, "cost").as_ptr() {
            return None;
        }
        if ffi::PyLong_CheckExact(value) == 0 {
            return None;
        }
        let number = ffi::PyLong_AsLongLong(value);
        if number == -1 {
            // Either that, which is out of range, or so large that an exception is set.
            ffi::PyErr_Clear();
        }
        u32::try_from(number).ok()
    }
}

/// Calls a method with one argument, for which `PyO3` makes a tuple and a bound method under the
/// stable ABI.
pub(crate) fn call_method<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    argument: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, end) = (object.py(), ptr::null_mut::<ffi::PyObject>());
    // SAFETY: All three are alive, the name is a str, and null ends the arguments. What comes
    // back is a new reference, or null with an exception set.
    unsafe {
        let (object, name, argument) = (object.as_ptr(), name.as_ptr(), argument.as_ptr());
        let answer = ffi::PyObject_CallMethodObjArgs(object, name, argument, end);
        Bound::from_owned_ptr_or_err(py, answer)
    }
}

/// Calls with one argument, as `call_method` does.
pub(crate) fn call_one<'py>(
    callable: &Bound<'py, PyAny>,
    argument: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, end) = (callable.py(), ptr::null_mut::<ffi::PyObject>());
    // SAFETY: Both are alive, and null ends the arguments. What comes back is a new reference,
    // or null with an exception set.
    unsafe {
        let answer = ffi::PyObject_CallFunctionObjArgs(callable.as_ptr(), argument.as_ptr(), end);
        Bound::from_owned_ptr_or_err(py, answer)
    }
}

/// Calls with two arguments, as `call_method` does.
pub(crate) fn call_two<'py>(
    callable: &Bound<'py, PyAny>,
    [first, second]: [&Bound<'py, PyAny>; 2],
) -> PyResult<Bound<'py, PyAny>> {
    let (py, end) = (callable.py(), ptr::null_mut::<ffi::PyObject>());
    // SAFETY: All three are alive, and null ends the arguments. What comes back is a new
    // reference, or null with an exception set.
    unsafe {
        let (first, second) = (first.as_ptr(), second.as_ptr());
        let answer = ffi::PyObject_CallFunctionObjArgs(callable.as_ptr(), first, second, end);
        Bound::from_owned_ptr_or_err(py, answer)
    }
}

/// Calls with three arguments, as `call_method` does.
pub(crate) fn call_three<'py>(
    callable: &Bound<'py, PyAny>,
    [first, second, third]: [&Bound<'py, PyAny>; 3],
) -> PyResult<Bound<'py, PyAny>> {
    let (py, end) = (callable.py(), ptr::null_mut::<ffi::PyObject>());
    // SAFETY: All four are alive, and null ends the arguments. What comes back is a new
    // reference, or null with an exception set.
    unsafe {
        let (first, second, third) = (first.as_ptr(), second.as_ptr(), third.as_ptr());
        let callable = callable.as_ptr();
        let answer = ffi::PyObject_CallFunctionObjArgs(callable, first, second, third, end);
        Bound::from_owned_ptr_or_err(py, answer)
    }
}

/// Goes on with what is awaited: an iterator, a generator or a coroutine.
pub(crate) fn send<'py>(
    awaited: &Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
) -> PyResult<PySendResult<'py>> {
    let (py, mut answer) = (awaited.py(), ptr::null_mut::<ffi::PyObject>());
    // SAFETY: Both are alive, and `answer` has room for what comes back: a new reference, or null
    // with an exception set. What cannot be sent to is refused with an exception.
    unsafe {
        match ffi::PyIter_Send(awaited.as_ptr(), value.as_ptr(), &raw mut answer) {
            ffi::PySendResult::PYGEN_NEXT => {
                Ok(PySendResult::Next(Bound::from_owned_ptr(py, answer)))
            }
            ffi::PySendResult::PYGEN_RETURN => {
                Ok(PySendResult::Return(Bound::from_owned_ptr(py, answer)))
            }
            ffi::PySendResult::PYGEN_ERROR => Err(PyErr::fetch(py)),
        }
    }
}

/// Calls the method behind, with everything as it came.
///
/// # Safety
///
/// As `CPython` calls a method of `PyLimiter`.
#[cold]
unsafe fn long_way<'py>(
    method: usize,
    limiter: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> PyResult<Bound<'py, PyAny>> {
    // Attached anew, so that `PyO3` knows it: what it drops on the way is let go at once.
    let answer = Python::attach(|py| {
        // SAFETY: As the caller promises: `count` positional arguments, and one for each name.
        let (limiter, names, arguments) = unsafe {
            let names = Borrowed::from_ptr_or_opt(py, names);
            let names = names.map(|names| names.cast_unchecked::<PyTuple>());
            let count = usize::try_from(count)? + names.map_or(0, |names| names.len());
            let arguments = match count {
                0 => &[],
                _ => slice::from_raw_parts(arguments, count),
            };
            let arguments = arguments.iter().map(|&value| Borrowed::from_ptr(py, value).to_owned());
            (Borrowed::from_ptr(py, limiter), names, arguments.collect::<Vec<_>>())
        };
        let (positional, by_name) = arguments.split_at(usize::try_from(count)?);
        let options = PyDict::new(py);
        for (name, value) in names.iter().flat_map(|names| names.iter()).zip(by_name) {
            options.set_item(name, value)?;
        }
        let behind = BEHIND[method].get(py).ok_or_else(|| {
            PyRuntimeError::new_err("tidegate._native is not ready; import tidegate instead")
        })?;
        let everything = std::iter::once(limiter.to_owned()).chain(positional.iter().cloned());
        let everything = PyTuple::new(py, everything.collect::<Vec<_>>())?;
        behind.bind(py).call(everything, Some(&options)).map(Bound::unbind)
    });
    // SAFETY: The caller is attached.
    Ok(answer?.into_bound(unsafe { Python::assume_attached() }))
}

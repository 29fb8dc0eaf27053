// flowlet in C#: P/Invoke and a class over the C library, for Unity and .NET. Put this file into a project and the library
// (libflowlet.so, flowlet.dll, libflowlet.dylib) beside the program; in Unity under Assets/Plugins.
using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Flowlet
{
    /// <summary>What a function of the library answered.</summary>
    public sealed class FlowletException : Exception
    {
        public int Status { get; }
        public FlowletException(int status, string message) : base(message) { Status = status; }
    }

    /// <summary>What a model is.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Description
    {
        public ulong Fingerprint;
        public uint Data, Conditions, Steps, Evaluations, IsInteger;
        public int DataBits, ConditionBits;
        public uint Contract;
    }

    /// <summary>A model. Its methods may be called from any thread. A closed model throws.</summary>
    public sealed class Model : IDisposable
    {
        readonly ulong number;

        /// <summary>Opens a model from the bytes of its file. solver and steps replace its own.</summary>
        public Model(byte[] file, string solver = null, uint steps = 0)
        {
            byte[] name = solver == null ? null : Encoding.UTF8.GetBytes(solver + "\0");
            Check(Native.flowlet_open(file, Length(file), name, steps, out number));
        }

        Model(ulong number) { this.number = number; }

        public Description Description
        {
            get { Check(Native.flowlet_describe(number, out Description made)); return made; }
        }

        /// <summary>The same model with classifier-free guidance.</summary>
        public Model Guided(float weight)
        {
            Check(Native.flowlet_guide(number, weight, out ulong guided));
            return new Model(guided);
        }

        /// <summary>Throws if this machine computes other bits than the model was verified with.</summary>
        public void SelfTest() { Check(Native.flowlet_self_test(number)); }

        /// <summary>Fills x with the starting points first, first + 1, … of seed.</summary>
        public void Noise(ulong seed, ulong first, float[] x) { Check(Native.flowlet_noise_f32(number, seed, first, x, Length(x))); }
        public void Noise(ulong seed, ulong first, int[] x) { Check(Native.flowlet_noise_i32(number, seed, first, x, Length(x))); }

        /// <summary>Replaces starting points by samples. condition is for all points, or has one for each.</summary>
        public void Sample(float[] condition, float[] x) { Check(Native.flowlet_sample_f32(number, condition, Length(condition), x, Length(x))); }
        public void Sample(int[] condition, int[] x) { Check(Native.flowlet_sample_i32(number, condition, Length(condition), x, Length(x))); }

        /// <summary>Takes one step of each point.</summary>
        public void Step(uint step, float[] condition, float[] x) { Check(Native.flowlet_step_f32(number, step, condition, Length(condition), x, Length(x))); }
        public void Step(uint step, int[] condition, int[] x) { Check(Native.flowlet_step_i32(number, step, condition, Length(condition), x, Length(x))); }

        /// <summary>Converts points from flow units to data units.</summary>
        public void ToData(float[] x) { Check(Native.flowlet_to_data_f32(number, x, Length(x))); }
        public void ToData(int[] x) { Check(Native.flowlet_to_data_i32(number, x, Length(x))); }

        /// <summary>Makes samples in data units such as the columns can hold: whole numbers, bounds, categories.</summary>
        public void ApplyColumns(float[] x) { Check(Native.flowlet_apply_columns_f32(number, x, Length(x))); }
        public void ApplyColumns(int[] x) { Check(Native.flowlet_apply_columns_i32(number, x, Length(x))); }

        public void Dispose() { Native.flowlet_close(number); GC.SuppressFinalize(this); }
        ~Model() { Native.flowlet_close(number); }

        static UIntPtr Length(Array values) { return (UIntPtr)(values == null ? 0 : values.Length); }

        static void Check(int status)
        {
            if (status == 0) return;
            byte[] buffer = new byte[(int)Native.flowlet_message(null, UIntPtr.Zero)];
            Native.flowlet_message(buffer, (UIntPtr)buffer.Length);
            throw new FlowletException(status, Encoding.UTF8.GetString(buffer, 0, Math.Max(0, buffer.Length - 1)));
        }
    }

    static class Native
    {
#if UNITY_IOS && !UNITY_EDITOR
        const string Library = "__Internal";
#else
        const string Library = "flowlet";
#endif
        const CallingConvention C = CallingConvention.Cdecl;
        [DllImport(Library, CallingConvention = C)] public static extern UIntPtr flowlet_message(byte[] buffer, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_open(byte[] bytes, UIntPtr length, byte[] solver, uint steps, out ulong model);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_guide(ulong model, float weight, out ulong guided);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_close(ulong model);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_describe(ulong model, out Description description);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_self_test(ulong model);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_noise_f32(ulong model, ulong seed, ulong first, [In, Out] float[] x, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_noise_i32(ulong model, ulong seed, ulong first, [In, Out] int[] x, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_sample_f32(ulong model, float[] condition, UIntPtr conditionLength, [In, Out] float[] x, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_sample_i32(ulong model, int[] condition, UIntPtr conditionLength, [In, Out] int[] x, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_step_f32(ulong model, uint step, float[] condition, UIntPtr conditionLength, [In, Out] float[] x, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_step_i32(ulong model, uint step, int[] condition, UIntPtr conditionLength, [In, Out] int[] x, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_to_data_f32(ulong model, [In, Out] float[] x, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_to_data_i32(ulong model, [In, Out] int[] x, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_apply_columns_f32(ulong model, [In, Out] float[] x, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] public static extern int flowlet_apply_columns_i32(ulong model, [In, Out] int[] x, UIntPtr length);
    }
}

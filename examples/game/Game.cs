// The game of src/main.rs through C#. It prints the same hash.
using System;
using System.IO;
using Flowlet;

static class Game
{
    const int Things = 1000, Data = 2, Places = 8;

    static int Place(int thing, uint tick, bool arrived)
    {
        return arrived && thing == 7 && tick >= 25 ? 0 : thing % Places;
    }

    static float[] Play(Model model, float[] from, uint tick, uint until, bool arrived)
    {
        float[] x = (float[])from.Clone();
        for (; tick < until; tick++)
        {
            float[] conditions = new float[Things * Places];
            for (int k = 0; k < Things; k++) conditions[k * Places + Place(k, tick, arrived)] = 1;
            model.Step(tick, conditions, x);
        }
        return x;
    }

    static ulong Hash(float[] x)
    {
        byte[] bytes = new byte[4 * x.Length];
        Buffer.BlockCopy(x, 0, bytes, 0, bytes.Length);
        ulong digest = 0xcbf29ce484222325;
        foreach (byte one in bytes) digest = unchecked((digest ^ one) * 0x100000001b3);
        return digest;
    }

    static int Main(string[] arguments)
    {
        using (Model model = new Model(File.ReadAllBytes(arguments[0])))
        {
            model.SelfTest();
            float[] start = new float[Things * Data];
            model.Noise(7, 0, start);
            float[] snapshot = Play(model, start, 0, 25, false);
            float[] first = Play(model, snapshot, 25, 35, true), second = Play(model, snapshot, 25, 35, true);
            if (Hash(first) != Hash(second)) { Console.Error.WriteLine("two replays differ"); return 1; }
            Console.WriteLine("{0:x16}", Hash(Play(model, second, 35, 50, true)));
            // A model that was closed throws.
            model.Dispose();
            try { model.SelfTest(); return 1; } catch (FlowletException closed) { if (closed.Status != -5) return 1; }
            try { new Model(new byte[3]); return 1; } catch (FlowletException wrong) { if (wrong.Status != -3) return 1; }
        }
        return 0;
    }
}
